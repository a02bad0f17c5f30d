// The labels window in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { labelsView } from './view';

labelsView(document.querySelector<HTMLElement>('#root')!, editorHost());
