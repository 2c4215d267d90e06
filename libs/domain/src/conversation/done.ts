// The answer of commands that have nothing to say but that they were carried out.
import { accepted } from '@parley/std';

export interface Done {
  readonly type: 'Done';
}

export const done: Done = { type: 'Done' };

/** Accepted, and everything is already as the command wants it. */
export const nothingToDo = accepted<never, Done>([], done);
