// The answer of commands that have nothing to say but that they were carried out.
import { accepted } from '@parley/std';

export interface Done {
  readonly type: 'Done';
  /** It waits for somebody's approval. */
  readonly isPending?: true;
}

export const done: Done = { type: 'Done' };
export const pending: Done = { type: 'Done', isPending: true };

/** Accepted, and everything is already as the command wants it. */
export const nothingToDo = accepted<never, Done>([], done);
