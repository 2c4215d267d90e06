// Loaded before everything else (`node --import`): puts the bug that PARLEY_MUTATION names into the source as it is loaded.
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutations } from './mutations.ts';

const projectFolder = path.resolve(import.meta.dirname, '../../../../..');
const name = process.env['PARLEY_MUTATION'] ?? '';
const mutation = mutations.find((each) => each.name === name);
if (mutation === undefined) throw new Error(`there is no mutation "${name}"`);

const replacements = mutation.replacements.map((each) => ({
  ...each,
  url: pathToFileURL(path.join(projectFolder, each.file)).href,
}));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const here = replacements.filter((each) => each.url === url);
    if (here.length === 0) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString();
    for (const { file, from, to } of here) {
      if (source.split(from).length !== 2)
        throw new Error(`mutation ${name}: ${file} does not contain exactly once: ${from}`);
      source = source.replace(from, () => to);
    }
    return { ...loaded, source };
  },
});
