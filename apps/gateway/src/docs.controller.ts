import { Controller, Get } from '@nestjs/common';

@Controller()
export class DocsController {
  @Get('docs')
  docs(): string {
    return 'later';
  }
}
