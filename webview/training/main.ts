// The training window in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { trainingView } from './view';

trainingView(document.querySelector<HTMLElement>('#root')!, editorHost());
