import { nameTable, parseName, splitNames, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

const firsts = splitNames(
  '大=O|小=Ko|中=Naka|上=Kami|下=Shimo|高=Taka|松=Matsu|竹=Take|石=Ishi|岩=Iwa|西=Nishi|北=Kita|南=Minami|東=Higashi|内=Uchi|新=Ara|長=Naga|広=Hiro|浅=Asa|深=Fuka|青=Ao|黒=Kuro|白=Shira|赤=Aka|藤=Fuji|森=Mori|荒=Ara|福=Fuku|吉=Yoshi|杉=Sugi',
).map((entry) => parseName(entry));
const lasts = splitNames(
  '田=ta|川=kawa|山=yama|本=moto|村=mura|野=no|沢=sawa|島=shima|原=hara|井=i|木=ki|崎=saki|谷=tani|林=bayashi|岡=oka|橋=hashi|口=guchi|塚=tsuka|池=ike|浜=hama|倉=kura|宮=miya|瀬=se|津=tsu|関=seki',
).map((entry) => parseName(entry));
const two =
  (one: readonly WrittenName[], other: readonly WrittenName[]) =>
  (random: Random): WrittenName => {
    const [a, b] = [one[random.skewed(one.length)] as WrittenName, other[random.skewed(other.length)] as WrittenName];
    return { native: a.native + b.native, latin: a.latin + b.latin };
  };

/** Per 100,000: the leading Japanese surnames of the published rankings (about 1.9 million Sato of 126 million), rounded. */
export const japaneseFamilies = nameTable({
  counted: `佐藤=Sato:1490|鈴木=Suzuki:1430|高橋=Takahashi:1120|田中=Tanaka:1060|伊藤=Ito:860|渡辺=Watanabe:850|山本=Yamamoto:840|中村=Nakamura:830|小林=Kobayashi:820|加藤=Kato:710|吉田=Yoshida:660|
山田=Yamada:650|佐々木=Sasaki:530|山口=Yamaguchi:510|松本=Matsumoto:500|井上=Inoue:490|木村=Kimura:460|林=Hayashi:430|斎藤=Saito:430|清水=Shimizu:420|山崎=Yamazaki:380|森=Mori:370|池田=Ikeda:360|
橋本=Hashimoto:360|阿部=Abe:350|石川=Ishikawa:340|山下=Yamashita:330|中島=Nakajima:320|石井=Ishii:310|小川=Ogawa:300|前田=Maeda:300|岡田=Okada:290|長谷川=Hasegawa:290|藤田=Fujita:290|後藤=Goto:290|
近藤=Kondo:280|村上=Murakami:280|遠藤=Endo:260|青木=Aoki:250|坂本=Sakamoto:250|斉藤=Saito:240|福田=Fukuda:240|太田=Ota:240|西村=Nishimura:240|藤井=Fujii:230|金子=Kaneko:220|岡本=Okamoto:220|藤原=Fujiwara:220|
中野=Nakano:210|三浦=Miura:210|原田=Harada:210|中川=Nakagawa:200|松田=Matsuda:200|竹内=Takeuchi:190|小野=Ono:190|田村=Tamura:190|中山=Nakayama:180|和田=Wada:170|石田=Ishida:170|森田=Morita:170|上田=Ueda:160`,
  made: two(firsts, lasts),
});
const heads = (text: string) => splitNames(text).map((entry) => parseName(entry));
export const japaneseFemale = {
  pick: two(
    heads(
      '美=Mi|恵=E|千=Chi|由=Yu|真=Ma|久=Hisa|和=Kazu|裕=Yu|智=Tomo|陽=Haru|愛=Ai|奈=Na|優=Yu|彩=Aya|幸=Sachi|洋=Yo|節=Setsu|文=Fumi|信=Nobu|京=Kyo|友=Tomo|結=Yu|春=Haru|明=Aki',
    ),
    heads('子=ko|美=mi|香=ka|代=yo|恵=e|菜=na|花=ka|江=e|奈=na|衣=i|乃=no|織=ori|里=ri|音=ne|月=zuki'),
  ),
};
export const japaneseMale = {
  pick: two(
    heads(
      '健=Ken|正=Masa|和=Kazu|秀=Hide|義=Yoshi|隆=Taka|直=Nao|大=Dai|浩=Hiro|康=Yasu|昭=Aki|信=Nobu|勝=Katsu|清=Kiyo|俊=Toshi|翔=Sho|悠=Yu|陽=Haru|拓=Taku|雄=Yu|達=Tatsu|英=Hide|哲=Tetsu|幸=Yuki',
    ),
    heads('一=ichi|郎=ro|太=ta|夫=o|人=to|介=suke|也=ya|樹=ki|之=yuki|男=o|司=ji|斗=to|彦=hiko|治=haru|弘=hiro|志=shi'),
  ),
};
