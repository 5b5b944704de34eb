import { applyDecorators, Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { Contract } from '@rollcall/contract';
import { takeRequestAndContext } from './handler-parameters.ts';

/**
 * Makes a class the handler of a service: each of its methods is called for the RPC of the same name, with the request
 * (an Observable of requests, where the proto says `stream`) and the CallContext. Let the class implement the generated
 * controller interface, and the compiler checks that no method is missing; the server checks it again at start.
 *
 * @param contract the contract that declares the service
 * @param service the full name of the service, such as `library.v1.LibraryService`
 * @throws Error when the contract has no such service
 */
export function GrpcController(contract: Contract, service: string): ClassDecorator {
  const methods = [...contract.methods.values()].filter((method) => method.service === service);
  if (methods.length === 0) throw new Error(`the contract has no service ${service}`);
  return applyDecorators(Controller(), (target: { prototype: object }) => {
    const handled: string[] = [];
    for (const { path, localName } of methods) {
      const descriptor = Object.getOwnPropertyDescriptor(target.prototype, localName);
      if (descriptor === undefined) continue; // the server names it at start
      MessagePattern(path)(target.prototype, localName, descriptor);
      handled.push(localName);
    }
    takeRequestAndContext(target, handled);
  });
}
