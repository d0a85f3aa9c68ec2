import { nameTable, parseName, splitNames, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

/** Per 100,000: the hundred leading surnames as the Chinese ministry of public security publishes them, the first forty, rounded. */
export const chineseFamilies = nameTable({
  counted: `王=Wang:7250|李=Li:7190|张=Zhang:6830|刘=Liu:5170|陈=Chen:4610|杨=Yang:3080|黄=Huang:2230|赵=Zhao:2290|吴=Wu:2050|周=Zhou:2000|徐=Xu:1450|孙=Sun:1420|马=Ma:1320|朱=Zhu:1280|
胡=Hu:1180|郭=Guo:1140|何=He:1070|林=Lin:1130|罗=Luo:980|高=Gao:1010|郑=Zheng:930|梁=Liang:850|谢=Xie:720|宋=Song:810|唐=Tang:700|许=Xu:660|韩=Han:690|冯=Feng:640|邓=Deng:620|曹=Cao:600|
彭=Peng:580|曾=Zeng:570|肖=Xiao:560|田=Tian:550|董=Dong:540|潘=Pan:500|袁=Yuan:490|蔡=Cai:480|蒋=Jiang:470|余=Yu:460|于=Yu:450|杜=Du:440|叶=Ye:430|程=Cheng:420|魏=Wei:410|苏=Su:400|吕=Lü:390|
丁=Ding:380|任=Ren:370|卢=Lu:360|姚=Yao:350|沈=Shen:340|钟=Zhong:330|姜=Jiang:320|崔=Cui:310|谭=Tan:300|陆=Lu:290|范=Fan:280|汪=Wang:270|廖=Liao:260|石=Shi:250|金=Jin:240|韦=Wei:230|贾=Jia:220|
夏=Xia:210|付=Fu:200|方=Fang:190|邹=Zou:180|熊=Xiong:170|白=Bai:160|孟=Meng:150|秦=Qin:140|邱=Qiu:130|侯=Hou:120|江=Jiang:110|尹=Yin:100|薛=Xue:100|闫=Yan:90|段=Duan:80|雷=Lei:80|龙=Long:70|
欧阳=Ouyang:60|司马=Sima:10|诸葛=Zhuge:5|上官=Shangguan:6`,
});

const characters = (text: string) => splitNames(text).map((entry) => parseName(entry));
const women = characters(
  '芳=fang|娜=na|敏=min|静=jing|丽=li|艳=yan|娟=juan|霞=xia|秀=xiu|兰=lan|燕=yan|红=hong|玲=ling|梅=mei|英=ying|华=hua|玉=yu|萍=ping|婷=ting|雪=xue|琳=lin|晶=jing|欣=xin|怡=yi|佳=jia|颖=ying|莹=ying|倩=qian|月=yue|雨=yu|涵=han|梓=zi|诗=shi|思=si|慧=hui|春=chun|凤=feng|桂=gui|珍=zhen|云=yun',
);
const men = characters(
  '伟=wei|强=qiang|磊=lei|军=jun|勇=yong|杰=jie|涛=tao|明=ming|超=chao|平=ping|刚=gang|国=guo|建=jian|华=hua|志=zhi|文=wen|斌=bin|波=bo|辉=hui|鹏=peng|飞=fei|浩=hao|宇=yu|轩=xuan|然=ran|博=bo|俊=jun|海=hai|东=dong|永=yong|林=lin|峰=feng|生=sheng|德=de|成=cheng|龙=long|天=tian|子=zi|一=yi|泽=ze',
);

/** A given name of one character (a third of the older people) or two. */
function given(parts: readonly WrittenName[]): (random: Random) => WrittenName {
  return (random) => {
    const first = parts[random.skewed(parts.length)] as WrittenName;
    if (random.perMille(280)) return { native: first.native, latin: capital(first.latin) };
    const second = parts[random.below(parts.length)] as WrittenName;
    return { native: first.native + second.native, latin: capital(first.latin + second.latin) };
  };
}
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const chineseFemale = { pick: given(women) };
export const chineseMale = { pick: given(men) };
