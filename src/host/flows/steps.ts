// Questions one after another, with a way back: quick picks that know their place in the row.
import * as vscode from 'vscode';

interface Place {
  readonly title: string;
  readonly step: number;
  readonly steps: number;
}

/** Asks each question in turn; Back goes to the one before. Ends with CancellationError where a question is left with Escape. */
export async function inTurn(title: string, questions: readonly ((place: Place) => Promise<void>)[]): Promise<void> {
  for (let k = 0; k < questions.length;) {
    try {
      await questions[k]!({ title, step: k + 1, steps: questions.length });
      k++;
    } catch (error) {
      if (error !== BACK) throw error;
      k--;
    }
  }
}

const BACK = new Error('back');

export interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

interface Question<T> {
  readonly placeholder: string;
  readonly choices: readonly Choice<T>[];
}

/** One of the choices: the one whose value is `active` is proposed, else the first. */
export async function chooseOne<T>(place: Place, question: Question<T>, active?: T): Promise<T> {
  const pick = quickPick(place, question);
  const proposed = question.choices.find(({ value }) => value === active) ?? question.choices[0];
  if (proposed) pick.activeItems = [proposed];
  const [chosen] = await accepted(pick);
  if (!chosen) throw new vscode.CancellationError();
  return chosen.value;
}

/** At least one of the choices; those in `picked` are preselected. */
export async function chooseMany<T>(place: Place, question: Question<T>, picked: readonly T[]): Promise<readonly T[]> {
  const pick = quickPick(place, question);
  pick.canSelectMany = true;
  pick.selectedItems = question.choices.filter(({ value }) => picked.includes(value));
  const chosen = await accepted(pick);
  return chosen.map(({ value }) => value);
}

function quickPick<T>({ title, step, steps }: Place, { placeholder, choices }: Question<T>): vscode.QuickPick<Choice<T>> {
  const pick = vscode.window.createQuickPick<Choice<T>>();
  Object.assign(pick, {
    title,
    placeholder,
    items: choices,
    ignoreFocusOut: true,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (steps > 1) Object.assign(pick, { step, totalSteps: steps });
  if (step > 1) pick.buttons = [vscode.QuickInputButtons.Back];
  return pick;
}

/** What is selected when Enter is pressed: never nothing. */
function accepted<T extends vscode.QuickPickItem>(pick: vscode.QuickPick<T>): Promise<readonly T[]> {
  return new Promise<readonly T[]>((resolve, reject) => {
    pick.onDidAccept(() => {
      if (pick.selectedItems.length === 0) {
        pick.placeholder = vscode.l10n.t('Choose at least one');
        return;
      }
      resolve(pick.selectedItems);
      pick.hide();
    });
    pick.onDidTriggerButton(() => reject(BACK));
    pick.onDidHide(() => {
      reject(new vscode.CancellationError());
      pick.dispose();
    });
    pick.show();
  }).finally(() => pick.dispose());
}
