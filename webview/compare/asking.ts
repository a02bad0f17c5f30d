// The question how the runs compare: asked of the host, followed, given up, and what came of it.
import type { CompareResult } from '../../src/protocol/compare';
import type { LabelscopeError } from '../../src/protocol/errors';
import type { CountProgress } from '../../src/protocol/messages';
import type { ComparisonChoice } from '../../src/protocol/windows';
import type { Host } from '../kit/host';
import { Pace } from '../kit/pace';

export class Asking {
  result: CompareResult | undefined;
  failure: string | undefined;
  busy = false;
  /** Of the question that is asked; undefined until something is heard. */
  progress: CountProgress | undefined;
  /** Whether a person has given the last question up. */
  stopped = false;
  /** What the result answers. */
  private answered: string | undefined;
  private tickets = 0;
  private readonly pace = new Pace();

  constructor(
    private readonly host: Host<'compare'>,
    private readonly onChange: () => void,
    private readonly choice: () => ComparisonChoice,
  ) {}

  /** The last question counts: answers to earlier ones are not waited for. */
  async ask(): Promise<void> {
    const ticket = ++this.tickets;
    const choice = this.choice();
    const question = JSON.stringify(choice);
    Object.assign(this, { busy: true, progress: undefined, stopped: false });
    this.onChange();
    try {
      const result = await this.host.call('compare', choice);
      if (ticket === this.tickets) Object.assign(this, { result, answered: question, failure: undefined });
    } catch (error) {
      if (ticket === this.tickets) this.fail(error as LabelscopeError, question);
    }
    if (ticket === this.tickets) this.busy = false;
    this.onChange();
  }

  /** What was found before stays where the question is the same: a run may be gone meanwhile. */
  private fail({ code, message }: LabelscopeError, question: string): void {
    if (code === 'cancelled') this.stopped = true;
    else this.failure = message;
    if (this.answered !== question) Object.assign(this, { result: undefined, answered: undefined });
  }

  /** A result that nobody had to ask for. */
  take(result: CompareResult): void {
    this.result = result;
  }

  hear(progress: CountProgress): void {
    this.progress = progress;
    this.onChange();
  }

  get left(): string {
    return this.progress ? this.pace.left(`${this.tickets}`, this.progress.done, this.progress.total) : '';
  }

  stop(): void {
    void this.host.call('stop', null).catch(() => undefined);
  }
}
