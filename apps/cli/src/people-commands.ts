// What can be typed about other persons: contacts, requests, blocks.
import type { ContactRelation, DeviceInfo, HttpApi, PersonalChange, WhoMayWrite } from '@parley/client';
import { Contact } from '@parley/client';

export type PeopleCommand =
  | { readonly kind: 'contacts' }
  | { readonly kind: 'devices' }
  | { readonly kind: 'log-out'; readonly deviceId: string }
  | { readonly kind: 'allow'; readonly whoMayWrite: WhoMayWrite }
  | {
      readonly kind: 'person';
      readonly verb: PersonVerb;
      readonly name: string;
      /** Message of a request, or the new name. */
      readonly text: string;
    };

export type PersonVerb = 'add' | 'accept' | 'refuse' | 'remove' | 'name' | 'block' | 'unblock';

export const peopleHelp = `/contacts             contacts, requests and blocked persons
/contact add NAME [MESSAGE], accept NAME, refuse NAME, remove NAME
/contact name NAME [AS]  your own name for a person
/block NAME           no direct messages of this person any more; /unblock NAME
/allow RULE           who may write to you: everyone, contacts or shared-group
/devices              your devices; /logout DEVICE ends one of them`;

const verbs: readonly string[] = ['add', 'accept', 'refuse', 'remove', 'name'] satisfies PersonVerb[];

const rules: readonly WhoMayWrite[] = ['everyone', 'contacts', 'shared-group'];

/** undefined: it is none, or says too little. */
export function parsePeople(name: string, words: readonly string[]): PeopleCommand | undefined {
  if (name === 'contacts' || name === 'devices') return { kind: name };
  if (name === 'logout') return words[0] === undefined ? undefined : { kind: 'log-out', deviceId: words[0] };
  if (name === 'block' || name === 'unblock')
    return words[0] === undefined ? undefined : { kind: 'person', verb: name, name: words[0], text: '' };
  if (name === 'allow') {
    const whoMayWrite = rules.find((rule) => rule === words[0]);
    return whoMayWrite === undefined ? undefined : { kind: 'allow', whoMayWrite };
  }
  const [verb = '', whom, ...text] = words;
  if (whom === undefined || !verbs.includes(verb)) return undefined;
  return { kind: 'person', verb: verb as PersonVerb, name: whom, text: text.join(' ') };
}

/** Carries it out. Answers the lines to show. */
export async function carryOutPeople(api: HttpApi, command: PeopleCommand): Promise<string[]> {
  if (command.kind === 'contacts') return listLines(api);
  if (command.kind === 'devices') return (await api.devices()).map(deviceLine);
  if (command.kind === 'log-out') {
    await api.logOutDevice(command.deviceId);
    return ['* done'];
  }
  if (command.kind === 'allow') {
    await api.setWhoMayWrite(command.whoMayWrite);
    return ['* done'];
  }
  const { verb, name, text } = command;
  switch (verb) {
    case 'add':
      await api.requestContact(name, text);
      return [`* ${name} is asked`];
    case 'accept':
      await api.acceptContact(name);
      break;
    case 'refuse':
      await api.refuseContact(name);
      break;
    case 'remove':
      await api.removeContact(name);
      break;
    case 'name':
      await api.describeContact(name, { remark: text });
      break;
    default:
      await (verb === 'block' ? api.block(name) : api.unblock(name));
  }
  return ['* done'];
}

async function listLines(api: HttpApi): Promise<string[]> {
  const lines: string[] = [];
  for (let after: string | undefined = ''; after !== undefined;) {
    const page = await api.contacts({ kind: 'all', ...(after === '' ? {} : { after }) });
    lines.push(...page.relations.map(relationLine));
    after = page.next;
  }
  return lines.length === 0 ? ['* no contacts yet: /contact add NAME'] : lines;
}

function deviceLine({ deviceId, deviceClass, isOnline, lastSeenMs }: DeviceInfo): string {
  const seen = isOnline ? 'online' : `last seen ${new Date(lastSeenMs).toLocaleString()}`;
  return `  ${deviceId}${deviceClass === 'unknown' ? '' : ` (${deviceClass})`} – ${seen}`;
}

function relationLine({ user, contact, isBlocked, message, remark, tags }: ContactRelation): string {
  const about = [
    { none: '', requested: 'asked, no answer yet', asked: 'wants to be a contact', accepted: '' }[contact],
    message === '' ? '' : `"${message}"`,
    isBlocked ? 'blocked' : '',
    tags.map((tag) => `#${tag}`).join(' '),
  ].filter((part) => part !== '');
  const name = remark === '' ? user : `${remark} (${user})`;
  return `  ${name}${about.length === 0 ? '' : ` – ${about.join(', ')}`}`;
}

/** A request that has come is worth a line; what the user did is not. */
export function personalLine({ relation }: PersonalChange): string | undefined {
  if (relation?.contact !== Contact.asked) return undefined;
  const message = relation.message === '' ? '' : `: "${relation.message}"`;
  return `* ${relation.user} wants to be a contact${message} – /contact accept ${relation.user}`;
}
