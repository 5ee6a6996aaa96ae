/**
 * Answering: the messages of one frame to one frame of answers.
 * Owns calls (what a handler gets), notices (`$/…`) and a batch's bounds. Execution is dispatch.ts, JSON encode.ts.
 * INVARIANT: a notification never gets an answer; a batch gets one array, or nothing when all were notifications.
 */
import { notifications } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/index.ts";
import { serial } from "../workspace/serial.ts";
import type { Call, Log } from "./call.ts";
import { type Answer, type Dispatch, refusal } from "./dispatch.ts";
import { encodeJson } from "./encode.ts";
import { type Envelope, type Id, type Message, type Request, readEnvelope } from "./envelope.ts";
import { type Outbox, sizeOf } from "./outbox.ts";
import type { OwnedPeer } from "./peer.ts";
import { createProgress } from "./progress.ts";
import type { Requests } from "./requests.ts";

/** A batch's answers beyond this are refused one by one; a single answer may be of any size. */
const MAX_BATCH_ANSWER_BYTES = 64 * 1024 * 1024;
/** An id as it stands in the log. */
const MAX_LOGGED_ID_CHARS = 64;

export interface Answering {
  /** Starts what a frame's message asks for, before it returns; the answers follow. */
  answer(message: unknown): void;
  /** Answers what is no message. */
  refuse(error: IopipeError): void;
  /** Resolves when no answer that is known waits to be encoded. */
  encoded(): Promise<void>;
  /** Resolves when the answers to all that was started are queued. */
  idle(): Promise<void>;
}

interface Parts {
  readonly peer: OwnedPeer;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly dispatch: Dispatch;
  readonly log: Log;
}

export function createAnswering({ peer, requests, outbox, dispatch, log }: Parts): Answering {
  const underWay = new Set<Promise<void>>();
  /** What is ready first is sent first, however large it is. */
  const inOrder = serial();
  let begun = 0;

  async function perform(message: Message): Promise<Answer | undefined> {
    if (message === undefined) return undefined;
    if ("refused" in message) return refusal(message.id, message.refused);
    if (message.id === undefined && message.method.startsWith("$/")) {
      notice(message, requests);
      return undefined;
    }
    const running = requests.begin(message);
    try {
      return await dispatch(message, createCall(message, peer, running.signal, requestLog(message)));
    } finally {
      running.end();
    }
  }

  function requestLog({ id, method }: Request): Log {
    begun += 1;
    const given = typeof id === "string" ? id.slice(0, MAX_LOGGED_ID_CHARS) : id;
    return log.child({ request: `${peer.id}.${begun}`, id: given, method });
  }

  async function answerAll({ batch, messages }: Envelope): Promise<void> {
    const all = await Promise.all(messages.map(perform));
    const answers = all.filter((answer) => answer !== undefined);
    if (answers.length === 0) return;
    await inOrder(async () => {
      outbox.send(await (batch ? encodeBatch(answers, log) : encode(answers[0] as Answer, log)));
      for (const answer of answers) peer.answered(answer.result);
    });
  }

  function begin(answering: Promise<void>): void {
    const work = answering
      .catch((error: unknown) => log.error({ peer: peer.id, err: error }, "a message was not answered"))
      .finally(() => underWay.delete(work));
    underWay.add(work);
  }

  return {
    answer: (message) => begin(answerAll(readEnvelope(message))),
    refuse: (error) => begin(inOrder(async () => outbox.send(await encode(refusal(null, error), log)))),
    encoded: () => inOrder(async () => undefined),
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** `$/cancelRequest`; a notice that is unknown or malformed is ignored, as LSP asks for. */
function notice({ method, params }: Request, requests: Requests): void {
  if (method !== "$/cancelRequest") return;
  const checked = notifications.get(method)?.params.safeParse(params);
  if (checked?.success) requests.cancel((checked.data as { id: Id }).id);
}

function createCall({ params }: Request, peer: OwnedPeer, signal: AbortSignal, log: Log): Call {
  return { role: peer.role, signal, by: peer.name, peer, log, progress: createProgress(params, peer) };
}

/** One answer's JSON; what cannot be encoded (a bigint) is a defect. */
async function encode(answer: Answer, log: Log): Promise<readonly Buffer[]> {
  try {
    return await encodeJson(answer);
  } catch (error) {
    log.error({ id: answer.id, err: error }, "an answer cannot be encoded");
    const fault = new IopipeError("InternalError", "The answer cannot be encoded.");
    return encodeJson(refusal(answer.id, fault));
  }
}

async function encodeBatch(answers: readonly Answer[], log: Log): Promise<readonly Buffer[]> {
  let bytes = 0;
  const encoded: Buffer[] = [];
  for (const answer of answers) {
    const json = await encode(answer, log);
    const length = sizeOf(json);
    const fits = bytes + length <= MAX_BATCH_ANSWER_BYTES;
    if (fits) bytes += length;
    encoded.push(encoded.length === 0 ? OPEN : COMMA, ...(fits ? json : await encodeJson(tooLarge(answer))));
  }
  return [...encoded, CLOSE];
}

const [OPEN, COMMA, CLOSE] = ["[", ",", "]"].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];

function tooLarge({ id }: Answer): Answer {
  const fact = `The batch's answers pass ${MAX_BATCH_ANSWER_BYTES} bytes.`;
  const hint = "What this request asked for was done; ask for its answer alone.";
  return refusal(id, new IopipeError("TooLarge", fact, { hint }));
}
