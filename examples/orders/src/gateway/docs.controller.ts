import { Controller, Get } from '@nestjs/common';
import { openApiDocument } from '@rollcall/openapi';
import { contract, services } from '../gen/contract.js';

const document = openApiDocument([contract], services, { title: 'Orders', version: '1.0.0' });

/** A route of our own, beside those of the contract. */
@Controller()
export class DocsController {
  @Get('openapi.json')
  openApi() {
    return document;
  }
}
