// The dataset window in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { datasetView } from './view';

datasetView(document.querySelector<HTMLElement>('#root')!, editorHost());
