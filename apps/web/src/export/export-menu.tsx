import { query as parametersOf } from '../calls/call.ts';
import { query } from '../directory/directory.ts';
import { filterOf } from '../directory/query.ts';
import { Icon } from '../parts/icon.tsx';
import { may } from '../shell/caller.ts';
import { saveAsCsv } from './save-as-csv.ts';

/** Saves the users that the search finds as a file. */
export function ExportMenu() {
  const { type } = query.value;
  if (!may('user.v1.UserService.ExportUsers') || type === 'DELETED') return null;
  const address = `v1/users:export${parametersOf({ filter: filterOf(query.value) })}`;
  return (
    <div class="menu-place">
      <button type="button" popovertarget="export-menu">
        <Icon name="download" />
        Export
      </button>
      <div id="export-menu" class="menu" popover="auto" role="group" aria-label="Export">
        <a href={address} download="users.ndjson" onClick={closeMenu}>
          <strong>NDJSON</strong>
          <span>One user a line, whole, to import again</span>
        </a>
        <button
          type="button"
          onClick={() => {
            closeMenu();
            void saveAsCsv(address);
          }}
        >
          <strong>CSV</strong>
          <span>For spreadsheets</span>
        </button>
      </div>
    </div>
  );
}

function closeMenu(): void {
  document.getElementById('export-menu')?.hidePopover();
}
