// Writes the report of a folder's results: Markdown with plots beside it, and one page with everything in it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { reportBlocks } from './report-blocks.ts';
import { markdown } from './markdown.ts';
import { type Notes, readNotes } from './notes.ts';
import { page } from './page.ts';
import { type ScenarioRuns, readResults, resultsFile, runsOf } from './results-file.ts';

/** From the results in it, whoever has put them there. */
export function writeReport(folder: string): void {
  writeReportOf(folder, runsOf(readResults(resultsFile(folder))), readNotes(folder));
}

/** @internal For the test. */
export function writeReportOf(folder: string, runs: readonly ScenarioRuns[], notes: Notes = new Map()): void {
  const blocks = reportBlocks(runs, notes);
  const plots = path.join(folder, 'plots');
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  for (const { file, svg } of blocks.flatMap((block) => block.plots ?? []))
    writeFileSync(path.join(plots, file), `${svg}\n`);
  writeFileSync(path.join(folder, 'README.md'), markdown(blocks));
  writeFileSync(path.join(folder, 'report.html'), page(blocks));
}
