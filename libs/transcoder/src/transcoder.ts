export type { BodyBudgetLimits, BodyOwner } from './http/body-budget.ts';
export { conditionsOf, preconditionFailed, weigh } from './conventions/conditions.ts';
export { preferredCoding } from './response/negotiation.ts';
export { callOptions } from './request/call-options.ts';
export { defaultHttpLimits, type HttpLimits, maxHeaders } from './http/limits.ts';
export { type Problem, problemOf } from './problem/problem.ts';
export { ProblemFilter, sendProblem } from './problem/problem.filter.ts';
export { bodyForm, type BodyLimits, readBody } from './request/body.ts';
export { secretsOf } from './request/secret-parameter.ts';
export { type RequestHead, securityHeaders } from './http/security-headers.ts';
export { type AdapterOptions, transcoderAdapter } from './transcoder.adapter.ts';
export { getRpcMethod } from './transcoder.controllers.ts';
export { TranscoderModule } from './transcoder.module.ts';
export type {
  CallerMetadata,
  Channel,
  CallSettings,
  DerivedRoutes,
  RequestMetadata,
  TranscoderAsyncOptions,
  TranscoderOptions,
  Upstream,
} from './options.ts';
export { type Conventions, conventionsOf } from './conventions/aip.ts';
export { problemContentType } from './problem/problem.ts';
export { fitsQuery } from './request/query.ts';
