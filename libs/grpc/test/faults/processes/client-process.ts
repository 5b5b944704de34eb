/** A client whose requests break off, as a process of its own: `client-process.ts stock|ours TARGET`. */
import { GrpcChannel } from '../../../src/client/channel.ts';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { concat, of, throwError } from 'rxjs';
import { connectStock } from './stock.ts';

const [, , side, target = ''] = process.argv;
const requests = concat(
  of({ shelf: '', name: 'a' }),
  throwError(() => new Error('the source broke')),
);
const channel = new GrpcChannel(target);
const client =
  side === 'stock'
    ? connectStock(target).client
    : channel.client<shelf.ShelfServiceClient>(testingContract, 'testing.v1.ShelfService');
client.countBooks(requests).subscribe({
  error: (error: Error) => {
    console.log(`the call failed: ${error.message}`);
    channel.close();
  },
});
