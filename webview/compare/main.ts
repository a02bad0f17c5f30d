// The window of runs side by side in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { compareView } from './view';

compareView(document.querySelector<HTMLElement>('#root')!, editorHost());
