/** The chat of which the cost is measured: two nodes a turn, two messages of 600 characters. */
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { type BaseCheckpointSaver, END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

const WORDS =
  "the of and to in is it you that he was for on are with as I his they be at one have this from or had by hot but some what there we can out other were all your when up use word how said an each she which do their time if will way about many then them would write like so these her long make thing see him two has look more day could go come did my sound no most number who over know water than call first people may down side been now find any new work part take get place made live where after back little only round man year came show every good me give our under name very through just form much great think say help low line before turn cause same mean differ move right boy old too does tell sentence set three want air well also play small end put home read hand port large spell add even land here must big high such follow act why ask men change went light kind off need house picture try us again animal point mother world near build self earth father head stand own page should country found answer school grow study still learn plant cover food sun four thought let keep eye never last door between city tree cross since hard start might story saw far sea draw left late run while press close night real life few stop open seem together next white children begin got walk example ease paper often always music those both mark book letter until mile river car feet care second group carry took rain eat room friend began idea fish mountain north once base hear horse cut sure watch color face wood main enough plain girl usual young ready above ever red list though feel talk bird soon body dog family direct pose leave song measure state product black short numeral class wind question happen complete ship area half rock order fire south problem piece told knew pass farm top whole king size heard best hour better true during hundred am remember step early hold west ground interest reach fast five sing listen six table travel less morning".split(
    " ",
  );

/** Words as they come, 600 characters; the seed decides which. */
export function message(seed: number): string {
  let state = seed * 2654435761;
  let text = "";
  while (text.length < 600) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Common words are common: the square makes low ranks likelier.
    text += `${WORDS[Math.floor((state / 2 ** 32) ** 2 * WORDS.length)]} `;
  }
  return text.slice(0, 600);
}

export function chat(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("retrieve", () => ({}))
    .addNode("answer", ({ messages }) => ({ messages: [new AIMessage(message(messages.length))] }))
    .addEdge(START, "retrieve")
    .addEdge("retrieve", "answer")
    .addEdge("answer", END)
    .compile({ checkpointer });
}

export const ask = (turn: number) => ({ messages: [new HumanMessage(message(1_000_000 + turn))] });
