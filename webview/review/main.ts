// The review window in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { reviewView } from './view';

reviewView(document.querySelector<HTMLElement>('#root')!, editorHost());
