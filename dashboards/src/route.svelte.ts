// Where we are: history routing, so that every view is a link that can be sent to a colleague.

const state = $state({ path: location.pathname, search: location.search });

export const route = {
  get path() {
    return state.path;
  },
  get query() {
    return new URLSearchParams(state.search);
  },
};

export function go(url: string, how: { replace?: boolean } = {}): void {
  if (how.replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  read();
}

function read(): void {
  state.path = location.pathname;
  state.search = location.search;
}

/** Takes over clicks on our own links; new tabs and downloads stay the browser's. */
function click(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.pathname.startsWith('/api/') || link.getAttribute('href')?.startsWith('#')) return;
  event.preventDefault();
  const moved = link.pathname !== location.pathname;
  go(link.pathname + link.search);
  if (moved) window.scrollTo(0, 0);
}

export function start(): void {
  window.addEventListener('popstate', read);
  document.addEventListener('click', click);
}
