// A short table: all of its rows are here, so it is filtered and sorted without asking the server.
// What was typed and clicked outlives the table: it is drawn anew while its page looks again.
const wishes = new Map();

export default {
  template: `
    <div class="hf-short">
      <div v-if="rows.length > 1" class="hf-short-tools">
        <input type="search" v-model="wish.words" :placeholder="words.filter" :aria-label="words.filter">
        <button v-for="kind in ['CSV', 'JSON']" :key="kind" type="button" :aria-label="words.export.replace('{kind}', kind)"
                @click="$emit('take', { kind, rows: found.map((one) => one.place) })">{{ kind }}</button>
      </div>
      <div class="hf-table-frame" tabindex="0">
        <table class="hf-table">
          <thead>
            <tr>
              <th v-for="(label, k) in head" :key="k" scope="col" :class="{ 'hf-number': isNumber(k) }"
                  :aria-sort="k === wish.by ? (wish.descending ? 'descending' : 'ascending') : null">
                <button v-if="rows.length > 1" type="button" :title="words.sort.replace('{column}', label)" @click="sort(k)">
                  {{ label }}<span aria-hidden="true" class="hf-sort">{{ k === wish.by ? (wish.descending ? '▾' : '▴') : '' }}</span>
                </button>
                <template v-else>{{ label }}</template>
              </th>
            </tr>
          </thead>
          <tbody>
            <tr v-for="one in found" :key="one.place">
              <td v-for="(cell, k) in one.row" :key="k" :data-label="head[k]" :class="{ 'hf-number': cell.number }">
                <a v-if="cell.href" class="hf-link" :href="cell.href"><span :class="cell.tone ? 'hf-chip hf-' + cell.tone : ''">{{ cell.text }}</span></a>
                <span v-else :class="cell.tone ? 'hf-chip hf-' + cell.tone : ''">{{ cell.text }}</span>
              </td>
            </tr>
            <tr v-if="found.length === 0"><td :colspan="head.length" class="hf-muted">{{ words.nothing }}</td></tr>
          </tbody>
        </table>
      </div>
    </div>`,
  props: {
    name: String,
    head: { type: Array, default: () => [] },
    rows: { type: Array, default: () => [] },
    words: { type: Object, default: () => ({}) },
  },
  emits: ["take"],
  data() {
    return { wish: wishes.get(this.place()) || { words: "", by: null, descending: false } };
  },
  watch: {
    wish: { deep: true, handler(wish) { wishes.set(this.place(), { ...wish }); } },
  },
  computed: {
    found() {
      const wanted = this.wish.words.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (row) => {
        const text = row.map((cell) => cell.text).join("\n").toLowerCase();
        return wanted.every((word) => text.includes(word));
      };
      const kept = this.rows.map((row, place) => ({ row, place })).filter((one) => fits(one.row));
      const { by, descending } = this.wish;
      return by === null ? kept : kept.sort((a, b) => compared(a.row[by].key, b.row[by].key) * (descending ? -1 : 1));
    },
  },
  methods: {
    place() {
      return [window.location.pathname, this.name, ...this.head].join("\n");
    },
    isNumber(k) {
      return this.rows.length > 0 && this.rows[0][k].number;
    },
    // Up, down, and as it came.
    sort(k) {
      if (this.wish.by !== k) Object.assign(this.wish, { by: k, descending: false });
      else if (!this.wish.descending) this.wish.descending = true;
      else Object.assign(this.wish, { by: null, descending: false });
    },
  },
};

// Figures, words, and then what is not known.
const rank = (key) => (key === null ? 2 : typeof key === "string" ? 1 : 0);

function compared(a, b) {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return rank(a) === 1 ? a.localeCompare(b) : a - b;
}
