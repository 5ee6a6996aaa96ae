/** Next steps in the words of this server's tools, where the protocol's speak of methods and params. */
import { PERSONS, type Words } from "../next-step.ts";

export const WORDS: Words = {
  kinds: {
    InvalidParams: "Give the tool's arguments as its input schema has them.",
    WorkspaceNotFound: "Ask the person who reviews to open it: `iopipectl open DIR`.",
    SessionNotFound: "Give the `session` that an answer named, or the `key` of this conversation.",
    PatchNotFound: "Look at session_status for what is staged.",
    BlobNotFound: "Stage it again.",
    NotAFile: "Name files and links; of a directory each one in it, as list_staged shows them.",
    HardLinked: "Say breakHardLinks to give this name bytes of its own; the file's other names keep theirs.",
    FileNotFound: "Look with list_staged; stage_write makes a new file.",
    FileExists: "Choose another path, or change the file that is there with stage_edit.",
    MatchAmbiguous: "Give more of the surrounding text, so that it is found once, or say replaceAll.",
    PatchMalformed: "Send a complete diff in git's format, or the `*** Begin Patch` form; or use stage_edit.",
    Stale:
      "The file is not what you read: read_staged it again and stage the change anew, with its hash as baseHash.",
    IllegalState: "Look at session_status.",
    FrameTooLarge: "Stage less at once.",
    TooLarge: "Ask for less: by paths, or by lines.",
  },
  methods: {
    ...PERSONS,
    "session/open": "a new `key`",
    "session/list": "session_status",
    "session/get": "session_status",
    "session/diff": "diff_staged",
    "session/verify": "verify_staged",
    "patch/list": "session_status",
    "file/read": "read_staged",
    "file/list": "list_staged",
    "blob/write": "stage_write",
    "blob/commit": "another stage_write",
  },
};
