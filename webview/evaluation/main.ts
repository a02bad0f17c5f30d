// The evaluation window in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { evaluationView } from './view';

evaluationView(document.querySelector<HTMLElement>('#root')!, editorHost());
