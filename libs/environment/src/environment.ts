/** Reading variables of the environment, with one vocabulary of errors, and running an app as a process. */
export { type Environment, isLoopback, readListen, readLogLevels, readProtectedMode, readSwitch } from './variables.ts';
export { serves } from './healthcheck.ts';
export { readDrainMs, readServerLimits, readWhole } from './grpc-limits.ts';
export { type Listening, runApp, type RunningApp } from './run-app.ts';
export { readServiceTls, readTls } from './tls.ts';
