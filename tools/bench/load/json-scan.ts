// The same for JSON connections: parsed whole, as any JSON client has to, then told to the same sink.
import { wire } from '@parley/protocol';
import type { FrameSink, ServerFrame } from './frame-scan.ts';
import { type MessageId, idBytes } from './message-id.ts';

interface JsonMessage {
  readonly conversation?: string;
  readonly sequence?: string;
  readonly clientMessageId?: string;
}
interface JsonEntry {
  readonly position?: string;
  readonly message?: JsonMessage;
}
interface JsonFrame {
  readonly requestId?: number;
  readonly sent?: { readonly sequence?: string };
  readonly deliver?: { readonly entries?: readonly JsonEntry[] };
  readonly live?: { readonly messages?: readonly JsonMessage[]; readonly heads?: readonly JsonMessage[] };
  readonly syncPage?: {
    readonly entries?: readonly JsonEntry[];
    readonly inboxPosition?: string;
    readonly more?: boolean;
    readonly limited?: boolean;
    readonly logs?: readonly { readonly messages?: readonly JsonMessage[]; readonly more?: boolean }[];
  };
}

export function scanJsonFrame(bytes: Buffer, from: number, to: number, sink: FrameSink): void {
  const frame = JSON.parse(bytes.toString('utf8', from, to)) as JsonFrame;
  const { requestId = 0, sent, deliver, live, syncPage } = frame;
  if (sent) sink.sent(requestId, Number(sent.sequence));
  else if (deliver) {
    for (const entry of deliver.entries ?? []) tellEntry(entry, sink);
    sink.batch(deliver.entries?.length ?? 0);
  } else if (live) {
    for (const message of live.messages ?? []) tellLive(message, sink);
    for (const { conversation = '', sequence } of live.heads ?? []) sink.head(Number(sequence), conversation);
    sink.batch(live.messages?.length ?? 0);
  } else if (syncPage) {
    for (const entry of syncPage.entries ?? []) tellEntry(entry, sink);
    sink.batch(syncPage.entries?.length ?? 0);
    for (const log of syncPage.logs ?? []) for (const message of log.messages ?? []) tellLive(message, sink);
    sink.page(requestId, {
      inboxPosition: Number(syncPage.inboxPosition ?? 0),
      more: syncPage.more === true || (syncPage.logs ?? []).some((log) => log.more === true),
      limited: syncPage.limited ?? false,
    });
  } else sink.other(wire.ServerFrame.fromObject(frame as object) as ServerFrame);
}

function tellEntry({ position, message }: JsonEntry, sink: FrameSink): void {
  const id = idOf(message);
  sink.entry(Number(position), Number(message?.sequence ?? 0), id, message?.conversation ?? '');
}

function tellLive(message: JsonMessage, sink: FrameSink): void {
  sink.live(Number(message.sequence ?? 0), idOf(message), message.conversation ?? '');
}

function idOf(message: JsonMessage | undefined): MessageId | undefined {
  const id = message?.clientMessageId ?? '';
  if (id.length !== idBytes || !/^\d+$/.test(id)) return undefined;
  return { stream: Number(id.slice(0, 6)), number: Number(id.slice(6, 14)), sentUs: Number(id.slice(14)) };
}
