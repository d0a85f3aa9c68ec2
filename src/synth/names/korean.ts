import { nameTable, parseName, splitNames, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

/** Per 100,000: Statistics Korea, census of 2015 by surname, rounded; in the spelling that people of that name mostly use. */
export const koreanFamilies = nameTable({
  counted: `김=Kim:21500|이=Lee:14700|박=Park:8430|최=Choi:4700|정=Jung:4330|강=Kang:2370|조=Cho:2120|윤=Yoon:2050|장=Jang:1990|임=Lim:1660|한=Han:1560|오=Oh:1540|서=Seo:1510|신=Shin:1490|권=Kwon:1420|
황=Hwang:1400|안=Ahn:1380|송=Song:1370|류=Ryu:1290|전=Jeon:1130|홍=Hong:1120|고=Ko:950|문=Moon:930|양=Yang:920|손=Son:920|배=Bae:800|백=Baek:770|허=Heo:660|유=Yoo:600|남=Nam:550|심=Shim:540|노=Noh:520|
하=Ha:470|곽=Kwak:410|성=Sung:400|차=Cha:390|주=Joo:390|우=Woo:390|구=Koo:380|나=Na:350|민=Min:350|진=Jin:330|지=Ji:320|엄=Eom:300|채=Chae:280|원=Won:270|천=Chun:250|방=Bang:220|공=Kong:190|남궁=Namgung:40|황보=Hwangbo:20`,
});
const syllables = (text: string) => splitNames(text).map((entry) => parseName(entry));
const two =
  (first: readonly WrittenName[], second: readonly WrittenName[]) =>
  (random: Random): WrittenName => {
    const [a, b] = [first[random.skewed(first.length)] as WrittenName, second[random.skewed(second.length)] as WrittenName];
    return { native: a.native + b.native, latin: `${a.latin}-${b.latin.toLowerCase()}` };
  };
export const koreanFemale = {
  pick: two(
    syllables('지=Ji|서=Seo|민=Min|수=Soo|은=Eun|영=Young|미=Mi|정=Jung|예=Ye|하=Ha|윤=Yoon|혜=Hye|현=Hyun|선=Sun|유=Yu|경=Kyung|소=So|가=Ga|채=Chae|나=Na'),
    syllables('영=Young|연=Yeon|은=Eun|희=Hee|정=Jung|숙=Sook|민=Min|아=Ah|미=Mi|원=Won|윤=Yoon|현=Hyun|진=Jin|주=Joo|린=Rin|순=Soon|자=Ja|경=Kyung'),
  ),
};
export const koreanMale = {
  pick: two(
    syllables(
      '민=Min|준=Jun|성=Sung|영=Young|지=Ji|현=Hyun|동=Dong|도=Do|승=Seung|재=Jae|정=Jung|시=Si|상=Sang|진=Jin|태=Tae|종=Jong|주=Joo|건=Gun|우=Woo|기=Ki',
    ),
    syllables('준=Jun|호=Ho|우=Woo|수=Soo|훈=Hoon|현=Hyun|민=Min|철=Chul|진=Jin|석=Seok|식=Sik|원=Won|욱=Wook|환=Hwan|빈=Bin|윤=Yoon|혁=Hyuk|규=Kyu'),
  ),
};
