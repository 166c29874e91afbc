// Who is signed in, and the theme they chose.
import { api, ApiError } from './api/client';
import type { Language, Session } from './api/model';
import { setLanguage, t } from './i18n/index.svelte';

type Phase = 'asking' | 'out' | 'in';
const THEME = 'haidang.theme';

const state = $state<{ phase: Phase; session: Session | null; notice: string; error: string; theme: 'light' | 'dark' }>({
  phase: 'asking',
  session: null,
  notice: '',
  error: '',
  theme: 'light',
});

export const session = {
  get phase() {
    return state.phase;
  },
  get user() {
    return state.session?.user ?? null;
  },
  get mustChangePassword() {
    return state.session?.must_change_password ?? false;
  },
  get mayHandle() {
    return state.session !== null && state.session.user.role !== 'auditor' && state.session.user.role !== 'partner';
  },
  get isAdmin() {
    return state.session?.user.role === 'admin';
  },
  /** Why the sign-in page is shown, if not just for arriving. */
  get notice() {
    return state.notice;
  },
  /** Why we could not even ask who we are. */
  get error() {
    return state.error;
  },
};

function entered(found: Session): void {
  state.session = found;
  state.phase = 'in';
  state.notice = '';
  if (found.user.language) setLanguage(found.user.language);
}

export async function ask(): Promise<void> {
  api.onSignedOut = () => {
    if (state.phase === 'in') state.notice = t('error.signedOut');
    state.phase = 'out';
    state.session = null;
  };
  state.error = '';
  try {
    entered(await api.session());
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) state.error = explain(error);
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  entered(await api.signIn(username, password));
}

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } finally {
    state.phase = 'out';
    state.session = null;
    state.notice = '';
    api.csrf = '';
  }
}

export async function changePassword(current: string, next: string): Promise<void> {
  await api.changePassword(current, next);
  // The server may have ended the old session with the old password.
  await ask();
}

export async function chooseLanguage(next: Language): Promise<void> {
  setLanguage(next);
  if (state.session) {
    state.session.user.language = next;
    await api.setLanguage(next);
  }
}

/** What went wrong, in the reader's language, with the server's own words where they help. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 0) return t('error.network');
  if (error.status === 401) return t('error.signedOut');
  if (error.status === 403) return t('error.forbidden');
  if (error.status === 404) return t('error.missing');
  const said = t(error.status >= 500 ? 'error.server' : 'error.refused', { status: error.status });
  return error.detail && error.status < 500 ? `${said} ${error.detail}` : said;
}

export const theme = {
  get current() {
    return state.theme;
  },
  start() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const chosen = localStorage.getItem(THEME);
      state.theme = chosen === 'dark' || chosen === 'light' ? chosen : dark.matches ? 'dark' : 'light';
      document.documentElement.dataset['theme'] = state.theme;
    };
    dark.addEventListener('change', apply);
    apply();
  },
  toggle() {
    state.theme = state.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem(THEME, state.theme);
    document.documentElement.dataset['theme'] = state.theme;
  },
};
