/** The contracts of Rollcall. */
import { readFileSync } from 'node:fs';
import { type Contract, readContract } from '@rollcall/contract';

/** A contract that `npm run generate` has built, by its file name. */
function builtContract(name: string): Contract {
  return readContract(readFileSync(new URL(`../gen/${name}.binpb`, import.meta.url)));
}

/** `rollcall.*`, with health checking and reflection. */
export const rollcallContract: Contract = builtContract('rollcall');

/** The tutorial's `UserManager`. It has no package, and a `User` of its own. */
export const tutorialUserManagerContract: Contract = builtContract('tutorial-user-manager');

/** The tutorial's `UserService`. It has no package, and a `User` of its own. */
export const tutorialUserServiceContract: Contract = builtContract('tutorial-user-service');

/** The tutorial's `grpc.ChatServer`. */
export const tutorialChatServerContract: Contract = builtContract('tutorial-chat-server');
