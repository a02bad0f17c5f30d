// The image window in the editor.
import './style.css';
import { editorHost } from '../kit/host';
import { imageView } from './view';

imageView(document.querySelector<HTMLElement>('#root')!, editorHost());
