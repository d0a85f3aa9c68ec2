import { registerHooks } from 'node:module';

// dependency-cruiser reads TypeScript through the compiler's JavaScript API, which TypeScript 7 no longer has. The package
// `typescript6` is TypeScript 6 under another name; whoever asks for `typescript` while this is preloaded gets that one.
registerHooks({
  resolve: (specifier, context, nextResolve) => nextResolve(specifier.replace(/^typescript(?=$|\/)/, 'typescript6'), context),
});
