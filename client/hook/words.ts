/** Next steps in the words of Claude Code's own tools, the only ones that its model has. */
import { PERSONS, type Words } from "../next-step.ts";

export const WORDS: Words = {
  kinds: {
    InvalidParams: "Give the tool all of its arguments, as they are documented.",
    SessionNotFound: "IOPIPE_SESSION may name one that is gone: tell the person.",
    FileNotFound: "Look with the Glob tool; the Write tool makes a new file.",
    FileExists: "Read it with the Read tool and change it with the Edit tool, or choose another path.",
    HardLinked:
      "Ask the person: `iopipectl stage --break-hard-links` gives this name bytes of its own, the file's other names keep theirs.",
    MatchAmbiguous: "Give more of the surrounding text, so that it is found once, or say replace_all.",
    Stale: "Read the file again with the Read tool, and make the change anew.",
    FrameTooLarge: "Write less at once.",
    BlobNotFound: "Make the change again.",
  },
  methods: {
    ...PERSONS,
    "session/open": "the next write",
    "file/read": "the Read tool",
    "file/list": "the Glob tool",
    "blob/write": "the Write tool",
    "blob/commit": "another Write",
  },
};
