// Entry: theme and language first, so that nothing flashes, then the page.
import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { language, setLanguage } from './i18n/index.svelte';
import * as route from './route.svelte';
import { theme } from './session.svelte';

theme.start();
setLanguage(language());
route.start();

const target = document.getElementById('app');
if (target) mount(App, { target });
