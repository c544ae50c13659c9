// A table of plain cells with sorting and pages; what is in it is decided on the server.
export default {
  template: `
    <div class="hf-table-frame">
      <table class="hf-table">
        <thead>
          <tr>
            <th v-for="c in columns" :key="c.name" scope="col" :class="{ 'hf-number': c.number, 'hf-minor': c.minor }"
                :aria-sort="c.name === sort ? (descending ? 'descending' : 'ascending') : null">
              <button type="button" :title="words.sort.replace('{column}', c.label)" @click="$emit('sort', c.name)">
                {{ c.label }}<span aria-hidden="true" class="hf-sort">{{ c.name === sort ? (descending ? '▾' : '▴') : '' }}</span>
              </button>
            </th>
          </tr>
        </thead>
        <tbody>
          <tr v-for="(row, i) in rows" :key="i">
            <td v-for="(cell, k) in row" :key="k" :data-label="columns[k].label"
                :class="{ 'hf-number': columns[k].number, 'hf-minor': columns[k].minor }" :title="cell.title">
              <a v-if="cell.href" :href="cell.href"><span :class="cell.tone ? 'hf-chip hf-' + cell.tone : ''">{{ cell.text }}</span></a>
              <span v-else :class="cell.tone ? 'hf-chip hf-' + cell.tone : ''">{{ cell.text }}</span>
            </td>
          </tr>
          <tr v-if="rows.length === 0"><td :colspan="columns.length" class="hf-muted">{{ words.nothing }}</td></tr>
        </tbody>
      </table>
      <div class="hf-pages" role="group">
        <span class="hf-muted" aria-live="polite">{{ said }}</span>
        <template v-if="pages > 1">
          <button type="button" :disabled="page === 0" :aria-label="words.previous" @click="$emit('turn', page - 1)">‹</button>
          <span>{{ page + 1 }} / {{ pages }}</span>
          <button type="button" :disabled="page + 1 >= pages" :aria-label="words.next" @click="$emit('turn', page + 1)">›</button>
        </template>
      </div>
    </div>`,
  props: {
    columns: { type: Array, default: () => [] },
    rows: { type: Array, default: () => [] },
    sort: String,
    descending: Boolean,
    page: { type: Number, default: 0 },
    pages: { type: Number, default: 1 },
    said: String,
    words: { type: Object, default: () => ({}) },
  },
  emits: ["sort", "turn"],
};
