/**
 * The tree-sitter grammars in daemon/staging/syntax/grammars/: which file of which package each of them is.
 * The packages themselves are no dependencies: together they install 700 MB (sources, and binaries for six platforms,
 * with an install script that may compile), of which the grammars are 40 MB, and 2.4 MB compressed.
 */

export interface Grammar {
  /** The name of its file, <name>.wasm.br. */
  readonly name: string;
  readonly package: string;
  readonly version: string;
  /** Of the .wasm as the package has it; hex. */
  readonly sha256: string;
}

const row = (name: string, version: string, sha256: string, scope = ""): Grammar => ({
  name,
  package: `${scope}tree-sitter-${name === "ocaml_interface" ? "ocaml" : name.replace("_", "-")}`,
  version,
  sha256,
});

const COMMUNITY = "@tree-sitter-grammars/";

export const GRAMMARS: readonly Grammar[] = [
  row("bash", "0.25.1", "8292919c88a0f7d3fb31d0cd0253ca5a9531bc1ede82b0537f2c63dd8abe6a7a"),
  row("c", "0.24.1", "c852c2a85ebf2beb636aa3b0ef7f7e70458684d74f6741b20dcb296885bed9f9"),
  row("c_sharp", "0.23.5", "6f69e1cae44e1c32c1eccc170dc5a9778fb94ff716f71113fe1f8c4299aa2f40"),
  row("cpp", "0.23.4", "174eb0deb75b2ec7881bcacda9f995648d8e683956e5c2267e69ab6dc503fcbf"),
  row("css", "0.25.0", "8a23977fe271357cce6f254ef88c9bebf3854602d8046605aef6a45c02135c59"),
  row("go", "0.25.0", "9504573f352b20be7f2f1911754d710622aedc15afff16d5ed8fb5645681aee7"),
  row("haskell", "0.23.1", "37a6b07b1a838d02ffb4f4c2a06863637a8efe48432d60a275f50f1d08f1092c"),
  row("html", "0.23.2", "c48fcd82c7ea8bf943180088ba7f28c48b2bb5287874179168bf9d31e394cf85"),
  row("java", "0.23.5", "4fdeac4ca6ca089f06c6f7e562abcac1733cd465728cc7031ebb73c2019122c4"),
  row("julia", "0.23.1", "e0f52c36eadf0299e46fccd6715c760d35eaa3f09721bec38633da551ac9e781"),
  row("ocaml", "0.24.2", "761a78a804931cfac1fa0c6238989b4b0e86cc70db461b1315d743de923f8246"),
  row("ocaml_interface", "0.24.2", "c065e8da9052899592bd68c820ffda076e23394129de14c0bd2c46b189415ea9"),
  row("php", "0.24.2", "d4df6a6ff08c87c3ec4f9cbb785fe09998a0cb570e03f57d7b19b3acfb146aa7"),
  row("python", "0.25.0", "16108b50df4ee9a30168794252ab55e7c93bfc5765d7fa0aa3e335752c515f47"),
  row("ruby", "0.23.1", "09a96427d7c72f0613ed470cd9812223fc4a91d6a9c025c0235cc6bd59ff96f4"),
  row("rust", "0.24.0", "f65f354215611fd94ad34134b3427eb3d58cbb745df7b6509ba722184db73d57"),
  row("scala", "0.24.0", "b7ec2bb29c19827abcefd18ed5cb5a43596009f96a5d53c5b9d1f9676d7521c3"),
  row("kotlin", "1.1.0", "7009d69453bc8735e438b2818a633efb21c88f99782769abba60dffedfab73f7", COMMUNITY),
  row("lua", "0.4.1", "6d95607fc7d78964cfdf065ccb1ba76be5ed217c5ec0d0a3cace13c59fa1ae43", COMMUNITY),
  row("zig", "1.1.2", "54b3b83dd9c62da5815f06132bc3fc914d9dcc780370b32416446a0b7969e8c6", COMMUNITY),
];
