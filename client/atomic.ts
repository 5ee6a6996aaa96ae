/**
 * `iopipe/atomic`: the durable atomic write on its own, without the daemon.
 * Owns nothing: it is the write that the daemon uses (daemon/disk/atomic.ts), and this file the one door to it.
 */
export {
  type AtomicOptions,
  type Data,
  type OptionsOrEncoding,
  type SyncData,
  writeFileAtomic,
  writeFileAtomicSync,
} from "../daemon/disk/atomic.ts";
export { DiskError } from "../daemon/disk/errors.ts";
