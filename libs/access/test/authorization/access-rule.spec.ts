import { tutorialChatServerContract, tutorialUserManagerContract, tutorialUserServiceContract } from '@rollcall/proto';
import { describe, expect, it } from 'vitest';
import { accessRuleOf, isOpenToAll } from '../../src/authorization/access-rule.ts';

describe('the rule of a method', () => {
  it('knows who may call the methods of the tutorials, whose protos do not say it', () => {
    const contracts = [tutorialUserManagerContract, tutorialUserServiceContract, tutorialChatServerContract];
    const methods = contracts.flatMap((contract) => [...contract.methods.values()]);
    const sizes = Object.fromEntries(methods.map((method) => [method.path, accessRuleOf(method)?.types.size]));
    expect(sizes).toEqual({
      '/UserManager/GetUser': 3,
      '/UserManager/AddUser': 1,
      '/UserManager/CountAlreadyUsers': 3,
      '/UserManager/GetUsersByType': 3,
      '/UserManager/GetUsersByIds': 3,
      '/UserService/GetUser': 3,
      '/UserService/CreateUser': 1,
      '/grpc.ChatServer/SendNote': 2,
      '/grpc.ChatServer/ChatStream': 3,
    });
    expect(methods.some((method) => isOpenToAll(method) || accessRuleOf(method)?.services === true)).toBe(false);
  });
});
