// Where the real servers' programs are: asked from tools/toolchain.mjs, which also fetches what is missing.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** The top folder of the project, from src/servers as well as from dist/servers. */
export const projectFolder = path.resolve(import.meta.dirname, '../../../..');

export type ToolName = 'nats-server' | 'redis-server';

const paths = new Map<ToolName, Promise<string>>();

/** The path of a program that runs here and is new enough. Fails with what to do about it. */
export function toolPath(name: ToolName): Promise<string> {
  const known = paths.get(name);
  if (known) return known;
  const asked = ask(name);
  paths.set(name, asked);
  return asked;
}

async function ask(name: ToolName): Promise<string> {
  const script = path.join(projectFolder, 'tools/toolchain.mjs');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, name]);
    return (JSON.parse(stdout) as Record<ToolName, string>)[name];
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr?.trim() || `${name} was not found`, {
      cause: error,
    });
  }
}
