import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/node_modules/", "libs/contract/src/gen/", "**/dist/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-console": "error",
      "no-empty": "error",
      eqeqeq: "error",
    },
  },
  {
    // process.* lives in these libs alone: see docs/decisions/0002-one-door-each.md
    files: ["libs/*/src/**/*.ts", "apps/*/src/**/*.ts"],
    ignores: ["libs/runtime/**", "libs/config/**", "libs/testing/**", "apps/e2e/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "libs/config reads the environment" },
        { object: "process", property: "exit", message: "libs/runtime ends the process" },
        { object: "process", property: "on", message: "libs/runtime handles signals" },
      ],
    },
  },
  {
    files: ["**/*.test.ts", "**/test/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
