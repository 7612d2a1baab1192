// "ok - …" and "not ok - …" lines, and their sum.
export class Checks {
  #passed = 0;
  #failed = 0;

  is(what, holds, detail = '') {
    if (holds) {
      this.#passed += 1;
      console.log(`ok - ${what}`);
    } else {
      this.#failed += 1;
      console.log(`not ok - ${what}${detail ? `: ${detail}` : ''}`);
    }
  }

  // Ok when `work` ends without a throw; its value is given back.
  async that(what, work) {
    try {
      const value = await work();
      this.is(what, true);
      return value;
    } catch (error) {
      this.is(
        what,
        false,
        String(error?.message ?? error)
          .split('\n')
          .slice(0, 6)
          .join(' | '),
      );
      return undefined;
    }
  }

  // Prints the sum; the exit code.
  finish() {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }
}
