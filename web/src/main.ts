/** Start of the page. */

import './styles/tokens.css';
import './styles/base.css';
import './styles/openers.css';
import './lib/theme.svelte';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has an element #app');
mount(App, { target });
