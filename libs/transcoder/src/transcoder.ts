export { type DocsAsset, docsAssets, docsContentSecurityPolicy } from './docs-page.ts';
export { type DocumentInfo, openApiDocument } from './openapi.ts';
export { parsePathTemplate, type PathTemplate } from './path-template.ts';
export { type Problem } from './problem.ts';
export { ProblemFilter } from './problem.filter.ts';
export { transcoderAdapter } from './transcoder.adapter.ts';
export { rpcOf } from './transcoder.controllers.ts';
export { TranscoderModule } from './transcoder.module.ts';
export type { TranscoderOptions } from './transcoder-options.ts';
