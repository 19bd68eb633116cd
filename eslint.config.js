// What the type checker can't see: names nobody declares, code nobody reaches, conditions that never change.
// `web_client/` is what browsers load; nothing here is needed to run it.

import globals from "globals";

const RULES = {
  "constructor-super": "error",
  "eqeqeq": "error",
  "for-direction": "error",
  "no-async-promise-executor": "error",
  "no-compare-neg-zero": "error",
  "no-cond-assign": "error",
  "no-console": "error",
  "no-constant-binary-expression": "error",
  "no-constant-condition": "error",
  "no-debugger": "error",
  "no-dupe-else-if": "error",
  "no-dupe-keys": "error",
  "no-duplicate-case": "error",
  "no-empty": "error",
  "no-eval": "error",
  "no-fallthrough": "error",
  "no-global-assign": "error",
  "no-implicit-globals": "error",
  "no-implied-eval": "error",
  "no-import-assign": "error",
  "no-loss-of-precision": "error",
  "no-new-func": "error",
  "no-redeclare": "error",
  "no-self-assign": "error",
  "no-self-compare": "error",
  "no-shadow-restricted-names": "error",
  "no-undef": "error",
  "no-unreachable": "error",
  "no-unsafe-finally": "error",
  "no-unsafe-optional-chaining": "error",
  "no-unused-private-class-members": "error",
  "no-unused-vars": ["error", { args: "after-used" }],
  "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
  "no-useless-escape": "error",
  "no-var": "error",
  "prefer-const": "error",
  "require-yield": "error",
  "use-isnan": "error",
  "valid-typeof": "error",
};

const WORKLET = Object.fromEntries(
  ["sampleRate", "currentTime", "currentFrame", "AudioWorkletProcessor", "registerProcessor"].map((name) => [name, false]),
);

export default [
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["web_client/*.js"],
    ignores: ["web_client/*_worklet.js"],
    languageOptions: { globals: globals.browser },
    rules: RULES,
  },
  { files: ["web_client/*_worklet.js"], languageOptions: { globals: WORKLET }, rules: RULES },
  { files: ["eslint.config.js"], rules: RULES },
];
