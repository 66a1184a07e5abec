// Passkeys: the browser makes one, or signs in with one. What it gives goes into the form, which is then sent as any other.

const WHY = {
  NotAllowedError: "No passkey was used. Try again, or go another way.",
  InvalidStateError: "This device has a passkey for you already.",
};

const can = window.PublicKeyCredential?.parseCreationOptionsFromJSON && PublicKeyCredential.parseRequestOptionsFromJSON;

async function ask(form) {
  const answer = await fetch(form.dataset.options);
  if (!answer.ok) throw new Error(answer.status);
  const options = await answer.json();
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

for (const form of can ? document.querySelectorAll("[data-passkey]") : []) {
  form.hidden = false;
  document.querySelector("[data-passkey-missing]")?.remove();
  const said = form.querySelector("[data-passkey-error]");
  let asks = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asks) return;
    asks = true;
    said.textContent = "";
    try {
      form.elements.credential.value = JSON.stringify(await ask(form));
      form.submit();
    } catch (error) {
      said.textContent = WHY[error.name] ?? "That did not work here. Try again, or go another way.";
    } finally {
      asks = false;
    }
  });
}
