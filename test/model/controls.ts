/**
 * Negative controls: the same promotion on seams that leave something out. An explorer that finds nothing wrong with
 * one of these proves nothing.
 */
import type { Port } from "../../daemon/disk/index.ts";
import type { Operations, Store } from "../../daemon/store/index.ts";
import type { Broken } from "./explore.ts";

const withPort = (changes: (port: Port) => Partial<Port>): Broken => ({
  port: (port) => ({ ...port, ...changes(port) }),
});

const withJournal = (changes: (operations: Operations) => Partial<Operations>): Broken => ({
  store: (store: Store) => ({ ...store, operations: { ...store.operations, ...changes(store.operations) } }),
});

/** A patch of several files is torn without any of these. */
export const CONTROLS: Readonly<Record<string, Broken>> = {
  "the file fsync skipped": withPort(() => ({ sync: () => undefined })),
  "the directory fsync skipped": withPort(() => ({ syncDirectory: async () => undefined })),
  "the decision not recorded": withJournal(() => ({ decide: () => undefined })),
  "the decision recorded when all is done": withJournal(({ decide, close }) => {
    let record = (): void => undefined;
    return {
      decide: (id, inodes) => {
        record = () => decide(id, inodes);
      },
      close: (id, closing) => {
        record();
        return close(id, closing);
      },
    };
  }),
};

/** No control, but a file system that cannot exchange names: targets are replaced by rename(2). */
export const WITHOUT_EXCHANGE: Broken = withPort(() => ({ exchange: () => false }));

/** Only a third state shows that this is missing. */
export const WITHOUT_INODES: Broken = withJournal(({ openJournals }) => ({
  openJournals: (workspace) =>
    openJournals(workspace).map((row) => ({
      ...row,
      files: row.files.map(({ temporaryIno: _, ...file }) => file),
    })),
}));
