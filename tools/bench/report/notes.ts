// What people have to say about figures: `notes.md` in a report's folder, one heading for each scenario. A report that is
// written anew keeps it.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Paragraphs by scenario. */
export type Notes = ReadonlyMap<string, readonly string[]>;

export function readNotes(folder: string): Notes {
  const file = path.join(folder, 'notes.md');
  return existsSync(file) ? parseNotes(readFileSync(file, 'utf8')) : new Map();
}

/** @internal For the test. */
export function parseNotes(markdown: string): Notes {
  const sections = markdown.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [scenario, ...rest] = section.split('\n');
      const paragraphs = rest.join('\n').split(/\n\s*\n/);
      const texts = paragraphs.map((text) => text.trim().replaceAll('\n', ' ')).filter((text) => text !== '');
      return [scenario!.trim(), texts];
    }),
  );
}
