// Takes the code of an invitation from the fragment of the link, which browsers do not send, and clears it from the address
// bar and the history.
function accept() {
  const form = document.querySelector("[data-invitation]");
  const code = location.hash.slice(1);
  if (!form || !code) return;
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code;
  form.requestSubmit();
}

accept();
// A link that is opened in a tab with this page does not load it again.
addEventListener("hashchange", accept);
