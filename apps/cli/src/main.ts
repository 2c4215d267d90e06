// The terminal chat: `npm run chat -- --as alice`. Reads the command line, signs in, and hands over to the chat.
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { HttpApi, createClient } from '@parley/client';
import { AccountFile } from './account-file.ts';
import { Chat } from './chat.ts';
import { errorLine } from './render.ts';
import { type SignInOptions, signIn } from './sign-in.ts';
import { Terminal } from './terminal.ts';

interface Options {
  readonly as: string;
  readonly url: string;
  readonly tenant: string;
  readonly password?: string;
  readonly json?: boolean;
}

const program = new Command('chat')
  .description('Chat in the terminal. Signs up on first use.')
  .requiredOption('--as <handle>', 'who you are: letters, digits, _ and -')
  .option('--password <password>', 'of an account made elsewhere; else it is made up and remembered')
  .option('--url <url>', 'HTTP address of a gateway', 'http://127.0.0.1:8081')
  .option('--tenant <tenant>', 'the organisation', 'default')
  .option('--json', 'speak the JSON encoding instead of protobuf');

await main(program.parse().opts<Options>());

async function main(options: Options): Promise<void> {
  const terminal = new Terminal(process.stdin, process.stdout);
  const api = new HttpApi({ url: options.url });
  const signInOptions: SignInOptions = {
    api,
    accounts: new AccountFile(process.env),
    key: { url: options.url, tenant: options.tenant, handle: options.as },
    password: options.password,
    tell: (line) => terminal.print(`* ${line}`),
  };
  const tokenOf = (request: { readonly renew: boolean }) => signIn(signInOptions, request);
  try {
    await tokenOf({ renew: false });
    const client = createClient({
      url: await api.webSocketUrl(),
      getToken: tokenOf,
      // Nothing is kept between runs, so each run is a device of its own.
      deviceId: `terminal-${randomBytes(6).toString('hex')}`,
      encoding: options.json ? 'json' : 'protobuf',
      coldStart: 'heads',
    });
    const quit = () => {
      client.close('you quit');
      terminal.close();
    };
    terminal.onInterrupt(quit);
    process.once('SIGINT', quit);
    process.once('SIGTERM', quit);
    const chat = new Chat({
      client,
      terminal,
      api: async () => api.withToken(await tokenOf({ renew: false })),
    });
    chat.listen();
    await client.connect();
    chat.welcome();
    await chat.run();
    quit();
  } catch (error) {
    terminal.print(errorLine(error));
    terminal.close();
    process.exitCode = 1;
  }
}
