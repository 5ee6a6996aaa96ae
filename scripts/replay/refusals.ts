/**
 * What iopipe has refused so far. Such a path stays as it is, is asked for again only when a later commit wants
 * something else of it, and is left out of what is compared.
 */
import type { ErrorKind } from "../../client/index.ts";
import { apart, type Delta, type Entry, entriesOf, isSayable } from "./deltas.ts";

/** iopipe's rules for paths and sizes. Any other kind is a defect: these changes happened once. */
const RULES: ReadonlySet<string> = new Set<ErrorKind>(["PathProtected", "NameTooLong", "TooLarge"]);

/** Not the daemon's answer: the wire's paths are text, so that it cannot be asked. */
const UNSAYABLE = "not UTF-8";

export interface Refusals {
  /** Parts what can be asked for from what cannot, or was refused already. */
  sift(deltas: readonly Delta[]): { wanted: Delta[]; refused: Delta[] };
  add(delta: Delta, kind: string): void;
  /** The paths, by kind. */
  byKind(): ReadonlyMap<string, ReadonlySet<string>>;
}

export const isByRule = (kind: string): boolean => RULES.has(kind);

export function makeRefusals(): Refusals {
  /** What each path was to be, by the path's bytes. */
  const refused = new Map<string, string>();
  const kinds = new Map<string, Set<string>>();

  const isTouched = (delta: Delta): boolean =>
    entriesOf(delta).some((entry) => !isSayable(entry) || refused.has(keyOf(entry)));
  const isKnown = (delta: Delta): boolean =>
    entriesOf(delta).some((entry) => refused.get(keyOf(entry)) === wish(delta));
  const add: Refusals["add"] = (delta, kind) => {
    const paths = kinds.get(kind) ?? new Set();
    kinds.set(kind, paths);
    for (const entry of entriesOf(delta)) {
      refused.set(keyOf(entry), wish(delta));
      paths.add(entry.path);
    }
  };
  return {
    add,
    byKind: () => kinds,
    sift: (deltas) => {
      const sifted: ReturnType<Refusals["sift"]> = { wanted: [], refused: [] };
      for (const delta of deltas.flatMap((each) => (isTouched(each) ? apart(each) : [each]))) {
        const isUnsayable = !entriesOf(delta).every(isSayable);
        if (isUnsayable) add(delta, UNSAYABLE);
        sifted[isUnsayable || isKnown(delta) ? "refused" : "wanted"].push(delta);
      }
      return sifted;
    },
  };
}

const keyOf = ({ bytes }: Entry): string => bytes.toString("latin1");
const wish = ({ to }: Delta): string => (to ? `${to.mode} ${to.oid}` : "absent");
