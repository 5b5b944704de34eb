export { parsePathTemplate, type PathTemplate } from './path-template.ts';
export { type Problem } from './problem.ts';
export { ProblemFilter } from './problem.filter.ts';
export { transcoderAdapter } from './transcoder.adapter.ts';
export { rpcOf } from './transcoder.controllers.ts';
export { TranscoderModule } from './transcoder.module.ts';
export type { TranscoderOptions } from './transcoder-options.ts';
