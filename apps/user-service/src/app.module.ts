import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { PassOnFilter } from '@rollcall/grpc';
import { AccessController, SignInModes } from './access/access.controller.ts';
import { CallerController, ServiceCallers } from './access/caller.controller.ts';
import { SignIn } from './access/sign-in.ts';
import { Tokens } from './access/tokens.ts';
import { addressesSignIn, type SignInConfig } from './access/environment.ts';
import { AuditController } from './audit/audit.controller.ts';
import { UsersStore } from './store/users.store.ts';
import { TutorialUserManagerController } from './tutorial/user-manager.controller.ts';
import { TutorialUserServiceController } from './tutorial/user-service.controller.ts';
import { UserController } from './users/user.controller.ts';
import { Users } from './users/users.ts';

/** The service: the contracts over one set of rules over one store. */
@Module({
  controllers: [
    UserController,
    AccessController,
    CallerController,
    AuditController,
    TutorialUserManagerController,
    TutorialUserServiceController,
  ],
  providers: [{ provide: APP_FILTER, useClass: PassOnFilter }],
})
export class AppModule {
  /** The module over an open store. Nest closes it, after the server. */
  static over(
    store: UsersStore,
    keepDeletedMs: number,
    callers: ServiceCallers,
    signIn: SignIn,
    config: SignInConfig,
  ): DynamicModule {
    return {
      module: AppModule,
      providers: [
        { provide: UsersStore, useValue: store },
        { provide: Users, useValue: new Users(store, { keepDeletedMs, addressesSignIn: addressesSignIn(config) }) },
        { provide: SignIn, useValue: signIn },
        { provide: Tokens, useValue: callers.tokens },
        { provide: ServiceCallers, useValue: callers },
        { provide: SignInModes, useValue: new SignInModes(config) },
      ],
    };
  }
}
