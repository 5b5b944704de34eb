import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { PassOnFilter } from '@rollcall/grpc';
import { ChatController } from './chat/chat.controller.ts';
import { Chat } from './chat/chat.ts';
import { TutorialChatController } from './tutorial/chat.controller.ts';

/** The service: the contracts over one set of rooms. */
@Module({
  controllers: [ChatController, TutorialChatController],
  providers: [{ provide: APP_FILTER, useClass: PassOnFilter }],
})
export class AppModule {
  /** The module over rooms that are open. Nest closes them, after the server. */
  static over(chat: Chat): DynamicModule {
    return { module: AppModule, providers: [{ provide: Chat, useValue: chat }] };
  }
}
