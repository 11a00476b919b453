/** Start of the Join page. */

import '../styles/tokens.css';
import '../styles/base.css';
import { mount } from 'svelte';
import { joinLanguage } from '../languages/join/index.svelte';
import { language } from '../languages/language.svelte';
import Join from './Join.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('join.html has an element #app');
await joinLanguage.read(language.code);
mount(Join, { target });
